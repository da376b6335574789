// What Tether may do in Microsoft Graph, looked up by name. Once mailboxes are scoped in Exchange the
// mailbox permissions must not be granted here: a tenant-wide grant would make the scope moot.
extension microsoftGraphV1

param principalId string
param mailboxesScoped bool

var mailboxRoles = [
  'Calendars.ReadWrite'
  'Contacts.Read'
  'Mail.ReadWrite'
  'MailboxSettings.Read'
]
var tenantRoles = [
  'Tasks.ReadWrite.All'
]
var granted = mailboxesScoped ? tenantRoles : concat(mailboxRoles, tenantRoles)

resource microsoftGraph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: '00000003-0000-0000-c000-000000000000'
}

resource grant 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [for name in granted: {
  principalId: principalId
  resourceId: microsoftGraph.id
  appRoleId: filter(microsoftGraph.appRoles, role => role.value == name && contains(role.allowedMemberTypes, 'Application'))[0].id
}]
