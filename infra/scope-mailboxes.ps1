<#
.SYNOPSIS
Limits Tether to the mailboxes of one group, by Exchange's RBAC for Applications.

.DESCRIPTION
Exchange adds what it grants to what Entra has granted, so that a scope has no effect while a
tenant-wide permission is left. The script therefore grants within the scope first, and then takes
the tenant-wide permissions away. It may be run again: what is there is left or brought up to date.
Afterwards deploy with mailboxesScoped (azd env set TETHER_MAILBOXES_SCOPED true), or the next
deployment grants them again. To Do has no such scope: Tasks.ReadWrite.All stays as it is.

.EXAMPLE
./infra/scope-mailboxes.ps1 -ClientId $clientId -PrincipalId $principalId -Group tether-sellers@contoso.com -Inside ada@contoso.com -Outside ceo@contoso.com
#>
#Requires -Version 7.2
#Requires -Modules ExchangeOnlineManagement, Microsoft.Graph.Applications
[CmdletBinding(SupportsShouldProcess)]
param(
    # The managed identity's client id: TETHER_IDENTITY_CLIENT_ID of the deployment.
    [Parameter(Mandatory)] [guid] $ClientId,
    # The managed identity's object id: TETHER_IDENTITY_PRINCIPAL_ID of the deployment.
    [Parameter(Mandatory)] [guid] $PrincipalId,
    # A mail-enabled security group; its direct members are in scope, members of nested groups are not.
    [Parameter(Mandatory)] [string] $Group,
    # Mailboxes to try the result on.
    [string] $Inside,
    [string] $Outside,
    [string] $Name = 'Tether'
)
$ErrorActionPreference = 'Stop'

$roles = @(
    'Application Calendars.ReadWrite'
    'Application Contacts.Read'
    'Application Mail.ReadWrite'
    'Application MailboxSettings.Read'
)
$graphAppId = '00000003-0000-0000-c000-000000000000'

Connect-ExchangeOnline -ShowBanner:$false
Connect-MgGraph -NoWelcome -Scopes 'Application.Read.All', 'AppRoleAssignment.ReadWrite.All'

Write-Host '1. The identity, known to Exchange'
if (-not (Get-ServicePrincipal | Where-Object { $_.AppId -eq "$ClientId" })) {
    if ($PSCmdlet.ShouldProcess($Name, 'New-ServicePrincipal')) {
        New-ServicePrincipal -AppId $ClientId -ObjectId $PrincipalId -DisplayName $Name | Out-Null
    }
}

Write-Host '2. The scope'
$members = (Get-DistributionGroup -Identity $Group).DistinguishedName.Replace("'", "''")
$filter = "MemberOfGroup -eq '$members'"
if (Get-ManagementScope | Where-Object { $_.Name -eq $Name }) {
    if ($PSCmdlet.ShouldProcess($Name, 'Set-ManagementScope')) {
        Set-ManagementScope -Identity $Name -RecipientRestrictionFilter $filter
    }
} elseif ($PSCmdlet.ShouldProcess($Name, 'New-ManagementScope')) {
    New-ManagementScope -Name $Name -RecipientRestrictionFilter $filter | Out-Null
}

Write-Host '3. The permissions within the scope'
foreach ($role in $roles) {
    $assignment = "$Name $role"
    if (Get-ManagementRoleAssignment -Role $role | Where-Object { $_.Name -eq $assignment }) { continue }
    if ($PSCmdlet.ShouldProcess($assignment, 'New-ManagementRoleAssignment')) {
        New-ManagementRoleAssignment -Name $assignment -App $PrincipalId -Role $role -CustomResourceScope $Name | Out-Null
    }
}

Write-Host '4. The tenant-wide permissions, away'
$graph = Get-MgServicePrincipal -Filter "appId eq '$graphAppId'"
$tenantWide = @{}
foreach ($appRole in $graph.AppRoles) {
    if ($roles -contains "Application $($appRole.Value)" -and $appRole.AllowedMemberTypes -contains 'Application') {
        $tenantWide["$($appRole.Id)"] = $appRole.Value
    }
}
foreach ($grant in Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $PrincipalId -All) {
    $permission = $tenantWide["$($grant.AppRoleId)"]
    if (-not $permission) { continue }
    if ($PSCmdlet.ShouldProcess($permission, 'Remove-MgServicePrincipalAppRoleAssignment')) {
        Remove-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $PrincipalId -AppRoleAssignmentId $grant.Id
    }
}

Write-Host '5. What Exchange says now'
foreach ($mailbox in @($Inside, $Outside)) {
    if (-not $mailbox) { continue }
    Write-Host $mailbox
    $answer = Test-ServicePrincipalAuthorization -Identity "$ClientId" -Resource $mailbox
    $answer | Format-Table -Property 'RoleName', 'AllowedResourceScope', 'InScope'
}
Write-Host 'The change takes 30 minutes to 2 hours, and tokens given out before last up to 24 hours.'
