"""LEARN-DA on one machine: an embedded PostgreSQL and the supervisor of all services."""
