"""The router: the front door of a group and the sequencer of its commands."""
