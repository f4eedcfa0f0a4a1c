"""What this folder needs before anything in it runs. Standard library only: no package is installed yet."""
