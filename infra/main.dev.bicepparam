// An installation to try things on: Standard Service Bus, one warm webhook, nothing locked.
using 'main.bicep'

param environmentName = 'dev'
param location = readEnvironmentVariable('AZURE_LOCATION')
param dataverseUrl = readEnvironmentVariable('DATAVERSE_URL')
param deployerId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
