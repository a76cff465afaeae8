"""What several tests need: engines and backends that stand in, random circuits, oracles."""
