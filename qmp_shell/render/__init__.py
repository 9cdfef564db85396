"""The only maker of text: JSON, colours, help pages, figures. It knows no terminal."""
