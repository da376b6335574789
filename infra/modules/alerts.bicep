// Tells the operators what needs them, as infra/alerts.json lists it: `metrics` are Service
// Bus's own, `queries` are over what Tether counts. docs/operations.md has a paragraph for each.
param actionGroupName string
param location string
param tags object
param emails array
param workspaceId string
param serviceBusId string

var alerts = loadJsonContent('../alerts.json')

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: actionGroupName
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'tether'
    enabled: true
    emailReceivers: [for (email, index) in emails: {
      name: 'email-${index}'
      emailAddress: email
      useCommonAlertSchema: true
    }]
  }
}

resource metricAlert 'Microsoft.Insights/metricAlerts@2018-03-01' = [for alert in alerts.metrics: {
  name: 'tether-${alert.name}'
  location: 'global'
  tags: tags
  properties: {
    description: alert.description
    severity: alert.severity
    enabled: true
    autoMitigate: true
    scopes: [serviceBusId]
    evaluationFrequency: 'PT5M'
    windowSize: alert.window
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: alert.name
          criterionType: 'StaticThresholdCriterion'
          metricName: alert.metric
          dimensions: alert.dimensions
          timeAggregation: alert.aggregation
          operator: 'GreaterThan'
          threshold: alert.threshold
        }
      ]
    }
    actions: [{ actionGroupId: actionGroup.id }]
  }
}]

resource queryAlert 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for alert in alerts.queries: {
  name: 'tether-${alert.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'tether-${alert.name}'
    description: alert.description
    severity: alert.severity
    enabled: true
    autoMitigate: true
    scopes: [workspaceId]
    evaluationFrequency: alert.every
    windowSize: alert.window
    // A table is there only once its first row has come.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: join(alert.query, '\n')
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [actionGroup.id] }
  }
}]
