// Who may do what: one table, least privilege, no owner and no contributor. To send and to receive
// are rights of their own, each on the queues that need it.
param appPrincipalId string
param deployerId string
param deployerType string
param operatorsGroupId string
param storageName string
param serviceBusName string
param keyVaultName string
param workspaceName string
param insightsName string

var roleIds = {
  'Azure Service Bus Data Receiver': '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0'
  'Azure Service Bus Data Sender': '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39'
  'Key Vault Secrets Officer': 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6'
  'Log Analytics Reader': '73c42c96-874c-492b-b04d-ab87d138a893'
  'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb'
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
}

var assignments = [
  // The host needs the owner's rights on its leases and keys: the contributor's do not do.
  { who: 'app', role: 'Storage Blob Data Owner', on: 'storage' }
  { who: 'app', role: 'Key Vault Secrets User', on: 'keyVault' }
  { who: 'app', role: 'Monitoring Metrics Publisher', on: 'insights' }
  // The webhook and the timers send to the queues; a consumer sends back what failed, and parks.
  { who: 'app', role: 'Azure Service Bus Data Sender', on: 'mail' }
  { who: 'app', role: 'Azure Service Bus Data Sender', on: 'calendar' }
  { who: 'app', role: 'Azure Service Bus Data Sender', on: 'contacts' }
  { who: 'app', role: 'Azure Service Bus Data Sender', on: 'tasks' }
  { who: 'app', role: 'Azure Service Bus Data Sender', on: 'lifecycle' }
  { who: 'app', role: 'Azure Service Bus Data Sender', on: 'parked' }
  // What is parked is nobody's to consume but an operator's.
  { who: 'app', role: 'Azure Service Bus Data Receiver', on: 'mail' }
  { who: 'app', role: 'Azure Service Bus Data Receiver', on: 'calendar' }
  { who: 'app', role: 'Azure Service Bus Data Receiver', on: 'contacts' }
  { who: 'app', role: 'Azure Service Bus Data Receiver', on: 'tasks' }
  { who: 'app', role: 'Azure Service Bus Data Receiver', on: 'lifecycle' }
  { who: 'operators', role: 'Azure Service Bus Data Receiver', on: 'parked' }
  { who: 'operators', role: 'Azure Service Bus Data Sender', on: 'mail' }
  { who: 'operators', role: 'Azure Service Bus Data Sender', on: 'calendar' }
  { who: 'operators', role: 'Azure Service Bus Data Sender', on: 'contacts' }
  { who: 'operators', role: 'Azure Service Bus Data Sender', on: 'tasks' }
  { who: 'operators', role: 'Azure Service Bus Data Sender', on: 'lifecycle' }
  { who: 'operators', role: 'Log Analytics Reader', on: 'workspace' }
  { who: 'deployer', role: 'Key Vault Secrets Officer', on: 'keyVault' }
]

var principals = {
  app: { id: appPrincipalId, type: 'ServicePrincipal' }
  deployer: { id: deployerId, type: deployerType }
  operators: { id: operatorsGroupId, type: 'Group' }
}
var others = ['storage', 'keyVault', 'insights', 'workspace']
var given = filter(assignments, one => !empty(principals[one.who].id))
var onStorage = filter(given, one => one.on == 'storage')
var onKeyVault = filter(given, one => one.on == 'keyVault')
var onInsights = filter(given, one => one.on == 'insights')
var onWorkspace = filter(given, one => one.on == 'workspace')
var onQueues = filter(given, one => !contains(others, one.on))

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageName
}

resource keyVault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: keyVaultName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' existing = {
  name: serviceBusName
}

resource queues 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = [for one in onQueues: {
  parent: namespace
  name: one.on
}]

resource rightsOnStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for one in onStorage: {
  name: guid(storage.id, principals[one.who].id, roleIds[one.role])
  scope: storage
  properties: {
    principalId: principals[one.who].id
    principalType: principals[one.who].type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
  }
}]

resource rightsOnKeyVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for one in onKeyVault: {
  name: guid(keyVault.id, principals[one.who].id, roleIds[one.role])
  scope: keyVault
  properties: {
    principalId: principals[one.who].id
    principalType: principals[one.who].type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
  }
}]

resource rightsOnInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for one in onInsights: {
  name: guid(insights.id, principals[one.who].id, roleIds[one.role])
  scope: insights
  properties: {
    principalId: principals[one.who].id
    principalType: principals[one.who].type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
  }
}]

resource rightsOnWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for one in onWorkspace: {
  name: guid(workspace.id, principals[one.who].id, roleIds[one.role])
  scope: workspace
  properties: {
    principalId: principals[one.who].id
    principalType: principals[one.who].type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
  }
}]

resource rightsOnQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (one, index) in onQueues: {
  name: guid(namespace.id, one.on, principals[one.who].id, roleIds[one.role])
  scope: queues[index]
  properties: {
    principalId: principals[one.who].id
    principalType: principals[one.who].type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds[one.role])
  }
}]
