"""The Kafka adapter of the log port: own fetch loop, own transactional writer, a group member that only shares out."""
