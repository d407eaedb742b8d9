"""The door: record types, wire formats, topics, Kafka and Faust, state, replay, the embedded broker."""
