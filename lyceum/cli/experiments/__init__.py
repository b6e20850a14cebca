"""The subcommands that train runs to learn something from them."""
