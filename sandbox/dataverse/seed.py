"""What a fresh organisation holds: its people, their mailboxes, and the application user."""

from sandbox.dataverse.organization import Caller, Organization, reference
from sandbox.dataverse.rows import Row
from sandbox.dataverse.security import ALL, assign_role, make_privileges
from sandbox.dataverse.writing import Writer
from sandbox.identity.tokens import Principal
from sandbox.tenant import Person, Tenant

APPROVED: Row = {"emailrouteraccessapproval": 1, "isemailaddressapprovedbyo365admin": True}
"""A mailbox whose address is approved."""
READY: Row = {
    "incomingemaildeliverymethod": 2,
    "outgoingemaildeliverymethod": 2,
    "actdeliverymethod": 1,
    "incomingemailstatus": 1,
    "outgoingemailstatus": 1,
    "actstatus": 1,
    "mailboxstatus": 1,
    "enabledforincomingemail": True,
    "enabledforoutgoingemail": True,
    "enabledforact": True,
    **APPROVED,
    "orgmarkedasprimaryforexchangesync": True,
    "isactsyncorgflagset": True,
}
"""A mailbox for which server-side sync is set up, approved, tested and enabled."""
BLOCKED_EXTENSIONS = (
    "ade;adp;app;asa;ashx;asmx;asp;bas;bat;cdx;cer;chm;class;cmd;com;config;cpl;crt;csh;dll;exe;"
    "fxp;hlp;hta;htr;htw;ida;idc;idq;inf;ins;isp;its;jar;js;jse;ksh;lnk;mad;maf;mag;mam;maq;mar;"
    "mas;mat;mau;mav;maw;mda;mdb;mde;mdt;mdw;mdz;msc;msh;msh1;msh1xml;msh2;msh2xml;mshxml;msi;"
    "msp;mst;ops;pcd;pif;prf;prg;printer;pst;reg;rem;scf;scr;sct;shb;shs;shtm;shtml;soap;stm;svc;"
    "tmp;url;vb;vbe;vbs;vsmacros;vss;vst;vsw;ws;wsc;wsf;wsh"
)
"""The kinds of files a fresh organisation does not take."""


def service_principal(tenant: Tenant) -> Principal:
    """Return the principal a tenant's application calls Dataverse as, unless one is given."""
    return Principal(
        app_id=tenant.stable_id("application"), object_id=tenant.stable_id("service principal")
    )


class Seed:
    """Puts the first rows into an organisation."""

    def __init__(self, org: Organization, tenant: Tenant, principal: Principal) -> None:
        self.org = org
        self.tenant = tenant
        self.principal = principal
        self.system_user = tenant.stable_id("system user")
        self.business_unit = reference("businessunit", tenant.stable_id("business unit"))
        self.profile = reference("emailserverprofile", tenant.stable_id("email server profile"))

    def plant(self) -> None:
        """Write the rows, if the organisation is new."""
        self._plant_security()
        if self.org.rows.count("organization"):
            return
        name = self.tenant.people[0].upn.partition("@")[2] if self.tenant.people else "contoso"
        self._put(
            "organization", self.tenant.stable_id("organization"),
            name=name, blockedattachments=BLOCKED_EXTENSIONS,
            orgdborgsettings="<OrgSettings></OrgSettings>",
            defaultemailserverprofileid=self.profile,
        )  # fmt: skip
        self._put("businessunit", self.business_unit["id"], name=name, isdisabled=False)
        self._user(self.system_user, fullname="SYSTEM", lastname="SYSTEM", accessmode=3)
        self._user(
            self.tenant.stable_id("application user"),
            fullname="# Application", lastname="# Application",
            applicationid=self.principal.app_id.lower(),
            azureactivedirectoryobjectid=self.principal.object_id.lower(),
            accessmode=4,
        )  # fmt: skip
        assign_role(
            self.org,
            self.tenant.stable_id("application user"),
            f"roles({self.tenant.stable_id('system administrator')})",
        )
        self._put(
            "team", self.tenant.stable_id("team"),
            name=name, teamtype=0, isdefault=True, businessunitid=self.business_unit,
        )  # fmt: skip
        self._put(
            "emailserverprofile", self.profile["id"], name="Microsoft Exchange Online", servertype=2
        )
        publisher = self.tenant.stable_id("publisher")
        self._put(
            "publisher", publisher,
            uniquename="DefaultPublisher", friendlyname="Default Publisher",
            customizationprefix="new", customizationoptionvalueprefix=10000,
        )  # fmt: skip
        self._put(
            "solution", self.tenant.stable_id("solution"),
            uniquename="Default", friendlyname="Default Solution", version="1.0",
            publisherid=reference("publisher", publisher), installedon=self.org.now(),
        )  # fmt: skip
        for person in self.tenant.people:
            self._person(person)

    def _plant_security(self) -> None:
        """Write the privileges, and the role that holds them all."""
        if self.org.rows.count("privilege"):
            return
        for table in self.org.schema:
            make_privileges(self.org, table)
        administrator = self.tenant.stable_id("system administrator")
        self._put("role", administrator, name=ALL, businessunitid=self.business_unit)

    def _person(self, person: Person) -> None:
        first, _, last = person.display_name.partition(" ")
        mailbox_id = self.tenant.stable_id(f"mailbox {person.id}")
        self._user(
            person.systemuserid,
            fullname=person.display_name, firstname=first, lastname=last,
            domainname=person.upn, internalemailaddress=person.upn,
            azureactivedirectoryobjectid=person.id.lower(),
            defaultmailbox=reference("mailbox", mailbox_id),
            incomingemailfilteringmethod=person.incoming_email_filtering_method,
            **(APPROVED if person.ready or person.approved else {}),
            **({"incomingemaildeliverymethod": 2, "outgoingemaildeliverymethod": 2}
               if person.ready else {}),
        )  # fmt: skip
        self._put(
            "mailbox", mailbox_id,
            name=person.display_name, emailaddress=person.upn, username=person.upn,
            regardingobjectid=reference("systemuser", person.systemuserid),
            ownerid=reference("systemuser", person.systemuserid),
            emailserverprofile=self.profile,
            **(READY if person.ready else APPROVED if person.approved else {}),
        )  # fmt: skip

    def _user(self, user_id: str, /, **values: object) -> None:
        filtering = values.pop("incomingemailfilteringmethod", 1)
        self._put("systemuser", user_id, businessunitid=self.business_unit, **values)
        self._put(
            "usersettings",
            user_id,
            incomingemailfilteringmethod=filtering,
            businessunitid=self.business_unit["id"],
        )

    def _put(self, table: str, row_id: str, /, **values: object) -> None:
        writer = Writer(self.org, Caller(self.system_user, self.system_user))
        writer.plant(self.org.schema[table], row_id.lower(), values)
