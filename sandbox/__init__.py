"""A whole tenant on one machine: identity, Graph, Dataverse, Service Bus and a Functions host."""
