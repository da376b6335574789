// An installation people rely on: locked, spread over zones, webhook and mail always warm.
using 'main.bicep'

param environmentName = 'prod'
param location = readEnvironmentVariable('AZURE_LOCATION')
param dataverseUrl = readEnvironmentVariable('DATAVERSE_URL')
param deployerId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param operatorsGroupId = readEnvironmentVariable('TETHER_OPERATORS_GROUP_ID', '')
param alertEmails = json(readEnvironmentVariable('TETHER_ALERT_EMAILS', '[]'))
param monthlyBudget = int(readEnvironmentVariable('TETHER_MONTHLY_BUDGET', '0'))
param production = true
param alwaysReady = [
  { name: 'http', instanceCount: 2 }
  { name: 'function:mail', instanceCount: 2 }
]
param maximumInstanceCount = 100
