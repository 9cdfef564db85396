"""How fast the shell is, side by side with its peers. There are no limits here."""
