// All that Tether runs on, in a resource group of its own. Nothing is declared here but the group;
// each module makes one thing, and modules/rbac.bicep alone says who may do what.
targetScope = 'subscription'

@description('Names the environment; part of the resource group\'s name.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('The Azure region of everything but the alerts, which are global.')
param location string

@description('The address of the Dynamics 365 environment, as https://contoso.crm.dynamics.com.')
param dataverseUrl string

@description('Locks what must not be lost, and keeps logs longer.')
param production bool = false

@description('Spreads over the region\'s zones, where it has any; always ready then means at least 2.')
param zoneRedundant bool = production

@description('Keeps storage, Service Bus and Key Vault off the internet; the webhook stays public.')
param privateNetwork bool = false

@description('Private endpoints need Premium; without them Standard does.')
@allowed(['Standard', 'Premium'])
param serviceBusSku string = privateNetwork ? 'Premium' : 'Standard'

@description('The instances kept running: http is the webhook, function:<name> any other function.')
param alwaysReady array = [
  { name: 'http', instanceCount: zoneRedundant ? 2 : 1 }
]

@description('How many instances there may be of all functions together.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('How many notifications one instance takes at once; it waits for Service Bus only.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 32

@description('The memory of an instance.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('The application id URI of the API\'s registration, api://<client id>; empty for no API.')
param apiAudience string = ''

@description('Where add-ins are served from that call the API, such as https://addin.contoso.com.')
param apiOrigins array = []

@description('App settings beyond the required ones, such as TASK_DELETED; see shared/config.py.')
param appSettings object = {}

@description('Grants the Graph permissions; false where another person grants them.')
param grantGraphRoles bool = true

@description('True once infra/scope-mailboxes.ps1 has limited Tether to some mailboxes.')
param mailboxesScoped bool = false

@description('Who deploys, and so makes and rotates the key; empty gives nobody the right.')
param deployerId string = ''

@description('What the deployer is.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param deployerType string = 'User'

@description('The Entra group that looks after parked changes and logs; empty for none.')
param operatorsGroupId string = ''

@description('Who is told by alerts and the budget.')
param alertEmails array = []

@description('What a month may cost before mail is sent, in the subscription\'s currency; 0 for no budget.')
@minValue(0)
param monthlyBudget int = 0

@description('The first month the budget counts.')
param budgetStart string = utcNow('yyyy-MM-01')

var abbreviations = loadJsonContent('abbreviations.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var functionAppName = '${abbreviations.functionApp}${token}'
var tags = {
  'azd-env-name': environmentName
  application: 'tether'
  criticality: production ? 'production' : 'development'
}

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: '${abbreviations.resourceGroup}tether-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: '${abbreviations.managedIdentity}${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: '${abbreviations.logAnalyticsWorkspace}${token}'
    insightsName: '${abbreviations.applicationInsights}${token}'
    location: location
    tags: tags
    production: production
  }
}

module network 'modules/network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    name: '${abbreviations.virtualNetwork}${token}'
    securityGroupName: '${abbreviations.networkSecurityGroup}${token}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: '${abbreviations.storageAccount}${token}'
    location: location
    tags: tags
    production: production
    zoneRedundant: zoneRedundant
    privateNetwork: privateNetwork
    workspaceId: monitoring.outputs.workspaceId
  }
}

module serviceBus 'modules/servicebus.bicep' = {
  name: 'servicebus'
  scope: group
  params: {
    name: '${abbreviations.serviceBusNamespace}${token}'
    location: location
    tags: tags
    sku: serviceBusSku
    production: production
    privateNetwork: privateNetwork
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keyVault 'modules/keyvault.bicep' = {
  name: 'keyvault'
  scope: group
  params: {
    name: '${abbreviations.keyVault}${token}'
    location: location
    tags: tags
    production: production
    privateNetwork: privateNetwork
    workspaceId: monitoring.outputs.workspaceId
  }
}

module endpoints 'modules/endpoints.bicep' = if (privateNetwork) {
  name: 'endpoints'
  scope: group
  params: {
    prefix: abbreviations.privateEndpoint
    location: location
    tags: tags
    subnetId: network.?outputs.?endpointSubnetId ?? ''
    storageId: storage.outputs.id
    blobZoneId: network.?outputs.?blobZoneId ?? ''
    serviceBusId: serviceBus.outputs.id
    serviceBusZoneId: network.?outputs.?serviceBusZoneId ?? ''
    keyVaultId: keyVault.outputs.id
    keyVaultZoneId: network.?outputs.?keyVaultZoneId ?? ''
  }
}

module rbac 'modules/rbac.bicep' = {
  name: 'rbac'
  scope: group
  params: {
    appPrincipalId: identity.outputs.principalId
    deployerId: deployerId
    deployerType: deployerType
    operatorsGroupId: operatorsGroupId
    storageName: storage.outputs.name
    serviceBusName: serviceBus.outputs.name
    keyVaultName: keyVault.outputs.name
    workspaceName: monitoring.outputs.workspaceName
    insightsName: monitoring.outputs.insightsName
  }
}

module graph 'modules/graph.bicep' = if (grantGraphRoles) {
  name: 'graph'
  scope: group
  params: {
    principalId: identity.outputs.principalId
    mailboxesScoped: mailboxesScoped
  }
}

module functionApp 'modules/function.bicep' = {
  name: 'function'
  scope: group
  params: {
    name: functionAppName
    planName: '${abbreviations.appServicePlan}${token}'
    location: location
    tags: tags
    zoneRedundant: zoneRedundant
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    deploymentContainerUrl: storage.outputs.deploymentContainerUrl
    serviceBusHost: serviceBus.outputs.host
    keysReference: '@Microsoft.KeyVault(SecretUri=${keyVault.outputs.uri}secrets/client-state-keys/)'
    insightsConnectionString: monitoring.outputs.insightsConnectionString
    dataverseUrl: dataverseUrl
    apiAudience: apiAudience
    apiOrigins: apiOrigins
    appSettings: appSettings
    alwaysReady: alwaysReady
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    instanceMemoryMB: instanceMemoryMB
    subnetId: network.?outputs.?appSubnetId ?? ''
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [rbac, endpoints]
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    actionGroupName: '${abbreviations.actionGroup}${token}'
    location: location
    tags: tags
    emails: alertEmails
    workspaceId: monitoring.outputs.workspaceId
    serviceBusId: serviceBus.outputs.id
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module budget 'modules/budget.bicep' = if (monthlyBudget > 0) {
  name: 'budget'
  scope: group
  params: {
    name: 'tether-${environmentName}'
    amount: monthlyBudget
    start: budgetStart
    emails: alertEmails
  }
}

// azd keeps these as its environment's values, where infra/rotate-client-state-key and the tools find
// them; those that are app settings, too, have the settings' names.
output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP string = functionAppName
output AZURE_KEY_VAULT string = keyVault.outputs.name
output ServiceBusConnection__fullyQualifiedNamespace string = serviceBus.outputs.host
output TENANT_ID string = tenant().tenantId
output TETHER_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output TETHER_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output WEBHOOK_BASE_URL string = functionApp.outputs.url
