// What azd deploys with: everything comes from the azd environment (azd env set NAME value). The
// files beside it say the same for az deployment, one for each sort of installation.
using 'main.bicep'

var isProduction = bool(readEnvironmentVariable('TETHER_PRODUCTION', 'false'))
// Spread over zones, an app keeps at least two.
var usuallyReady = isProduction ? '[{"name":"http","instanceCount":2}]' : '[{"name":"http","instanceCount":1}]'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')
param dataverseUrl = readEnvironmentVariable('DATAVERSE_URL')
param production = isProduction
param privateNetwork = bool(readEnvironmentVariable('TETHER_PRIVATE_NETWORK', 'false'))
param alwaysReady = json(readEnvironmentVariable('TETHER_ALWAYS_READY', usuallyReady))
param maximumInstanceCount = int(readEnvironmentVariable('TETHER_MAXIMUM_INSTANCES', '40'))
param apiAudience = readEnvironmentVariable('TETHER_API_AUDIENCE', '')
param apiOrigins = json(readEnvironmentVariable('TETHER_API_ORIGINS', '[]'))
param appSettings = json(readEnvironmentVariable('TETHER_APP_SETTINGS', '{}'))
param grantGraphRoles = bool(readEnvironmentVariable('TETHER_GRANT_GRAPH_ROLES', 'true'))
param mailboxesScoped = bool(readEnvironmentVariable('TETHER_MAILBOXES_SCOPED', 'false'))
param deployerId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param deployerType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')
param operatorsGroupId = readEnvironmentVariable('TETHER_OPERATORS_GROUP_ID', '')
param alertEmails = json(readEnvironmentVariable('TETHER_ALERT_EMAILS', '[]'))
param monthlyBudget = int(readEnvironmentVariable('TETHER_MONTHLY_BUDGET', '0'))
