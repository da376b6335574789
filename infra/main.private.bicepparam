// As main.prod.bicepparam, with storage, Service Bus and Key Vault off the internet.
using 'main.bicep'

param environmentName = 'private'
param location = readEnvironmentVariable('AZURE_LOCATION')
param dataverseUrl = readEnvironmentVariable('DATAVERSE_URL')
param deployerId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param operatorsGroupId = readEnvironmentVariable('TETHER_OPERATORS_GROUP_ID', '')
param alertEmails = json(readEnvironmentVariable('TETHER_ALERT_EMAILS', '[]'))
param monthlyBudget = int(readEnvironmentVariable('TETHER_MONTHLY_BUDGET', '0'))
param production = true
param privateNetwork = true
param alwaysReady = [
  { name: 'http', instanceCount: 2 }
  { name: 'function:mail', instanceCount: 2 }
]
param maximumInstanceCount = 100
