// The operator's page: how far behind, what became of the changes, what is parked and turned away.
param location string
param tags object
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'tether')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Tether'
    category: 'workbook'
    sourceId: workspaceId
    version: '1.0'
    serializedData: loadTextContent('../workbook.json')
  }
}
