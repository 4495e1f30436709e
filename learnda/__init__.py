"""What the gateway, the compute server and a user's program share: contract, validation, client."""
