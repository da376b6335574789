// The private endpoints of what the app talks to inside Azure, each with its name in DNS.
param prefix string
param location string
param tags object
param subnetId string
param storageId string
param blobZoneId string
param serviceBusId string
param serviceBusZoneId string
param keyVaultId string
param keyVaultZoneId string

var targets = [
  { name: 'blob', group: 'blob', id: storageId, zoneId: blobZoneId }
  { name: 'servicebus', group: 'namespace', id: serviceBusId, zoneId: serviceBusZoneId }
  { name: 'keyvault', group: 'vault', id: keyVaultId, zoneId: keyVaultZoneId }
]

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = [for target in targets: {
  name: '${prefix}tether-${target.name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      {
        name: target.name
        properties: {
          privateLinkServiceId: target.id
          groupIds: [target.group]
        }
      }
    ]
  }
}]

resource zoneGroup 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [for (target, index) in targets: {
  parent: endpoint[index]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: target.name
        properties: { privateDnsZoneId: target.zoneId }
      }
    ]
  }
}]
