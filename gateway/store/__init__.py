"""All SQL of the gateway; each function borrows a connection for no longer than it runs."""
