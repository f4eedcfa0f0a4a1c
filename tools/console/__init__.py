"""What a person sees of long work: its steps with their times, and nothing of the commands that do it."""
