"""The infrastructure: one construct per capability, and the stacks that wire them."""
