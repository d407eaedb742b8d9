"""Why an incident was or was not shown: told from its records, with the rules and numbers as they were then."""
