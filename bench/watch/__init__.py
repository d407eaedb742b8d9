"""The sensor watch as a load: its readings, its worker, how a run of it is measured. Shared by engine and chaos."""
