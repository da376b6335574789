// The function app on Flex Consumption, told everything by app settings and nothing by keys.
param name string
param planName string
param location string
param tags object
param zoneRedundant bool
param identityId string
param identityClientId string
param storageName string
param deploymentContainerUrl string
param serviceBusHost string
param keysReference string
param insightsConnectionString string
param dataverseUrl string
param apiAudience string
param apiOrigins array
param appSettings object
param alwaysReady array
param maximumInstanceCount int
param httpConcurrency int
param instanceMemoryMB int
param subnetId string
param workspaceId string

var url = 'https://${name}.azurewebsites.net'

// The names are those of shared/config.py, and the platform's own for connections by identity.
var required = {
  TENANT_ID: tenant().tenantId
  DATAVERSE_URL: dataverseUrl
  WEBHOOK_BASE_URL: url
  CLIENT_STATE_KEYS: keysReference
  AZURE_CLIENT_ID: identityClientId
  API_AUDIENCE: apiAudience
  LOGIN_ENDPOINT: environment().authentication.loginEndpoint
  ServiceBusConnection__fullyQualifiedNamespace: serviceBusHost
  ServiceBusConnection__credential: 'managedidentity'
  ServiceBusConnection__clientId: identityClientId
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  // The exporter's own statistics would go to an address of its own.
  APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL: 'true'
  OTEL_TRACES_SAMPLER_ARG: '0.1'
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identityId
    // Graph calls from the internet; what it says is believed by its seal alone.
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      remoteDebuggingEnabled: false
      cors: { allowedOrigins: apiOrigins }
      appSettings: [for setting in items(union(required, appSettings)): {
        name: setting.key
        value: setting.value
      }]
    }
    functionAppConfig: {
      runtime: { name: 'python', version: '3.13' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        alwaysReady: alwaysReady
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: instanceMemoryMB
        triggers: {
          http: { perInstanceConcurrency: httpConcurrency }
        }
      }
    }
  }
}

resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource noDeploymentPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

resource appDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: app
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'FunctionAppLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output url string = url
