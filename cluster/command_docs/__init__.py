"""What only COMMAND DOCS tells of the rows of the command table: arguments and history."""
