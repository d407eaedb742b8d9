"""Mass complaint meets sensor 群诉与感知互证: callers of a neighbourhood, and the sensors there that moved as well."""
