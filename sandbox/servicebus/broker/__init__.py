"""What queues, locks, sessions and timers do; knows nothing of AMQP connections."""
