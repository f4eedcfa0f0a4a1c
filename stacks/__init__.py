"""The infrastructure: settings, one construct per capability, and the stacks that wire them."""
