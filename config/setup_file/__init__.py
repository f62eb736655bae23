"""A firm described in one TOML file: `reading` understands the file, `applying` brings the records up to it."""
