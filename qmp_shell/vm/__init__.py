"""What is known of one VM."""
