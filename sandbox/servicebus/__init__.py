"""Azure Service Bus on one machine: queues, topics, sessions and locks behind AMQP 1.0."""
