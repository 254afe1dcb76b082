"""Django's SQLite engine, with a queue before its one write lock (ADR 0009)."""
