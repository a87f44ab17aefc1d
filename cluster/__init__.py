"""What every process of a cluster agrees on: protocol, command table, slots, frames, errors."""
