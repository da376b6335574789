"""AMQP 1.0 encoding: types, values, performatives, frames and message sections."""
