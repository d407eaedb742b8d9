"""The subcommands of `brain`, one module each."""
