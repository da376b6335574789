// Sends mail when the month's cost comes near the limit; it stops nothing.
param name string
param amount int
param start string
param emails array

var notification = {
  enabled: true
  operator: 'GreaterThanOrEqualTo'
  contactEmails: emails
  contactRoles: ['Owner']
}

resource budget 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: { startDate: start }
    notifications: {
      spent80: union(notification, { threshold: 80, thresholdType: 'Actual' })
      expected100: union(notification, { threshold: 100, thresholdType: 'Forecasted' })
    }
  }
}
