"""Commands that run, check and operate the pipeline; each has `--help`."""
