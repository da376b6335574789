// The queues between webhook and consumers, exactly as infra/queues.json has them.
param name string
param location string
param tags object
param sku string
param production bool
param privateNetwork bool
param workspaceId string

var queues = loadJsonContent('../queues.json')

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: sku
    tier: sku
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [for entry in items(queues): {
  parent: namespace
  name: entry.key
  properties: entry.value
}]

resource namespaceDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: namespace
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

resource namespaceLock 'Microsoft.Authorization/locks@2020-05-01' = if (production) {
  name: 'keep'
  scope: namespace
  properties: {
    level: 'CanNotDelete'
    notes: 'Holds changes that are under way and changes that are parked.'
  }
}

output id string = namespace.id
output name string = namespace.name
output host string = replace(replace(namespace.properties.serviceBusEndpoint, 'https://', ''), ':443/', '')
