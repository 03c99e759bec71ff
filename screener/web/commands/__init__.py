"""What an operator does with an installation, a module for each part of it."""
