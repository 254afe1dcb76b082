"""Rights that a newer version brings, for the roles of a site that was set up before.

Set-up makes the roles once and then leaves them as they are: what an administrator took away stays
away. A right that did not exist then is handed out here, once, by the migration that brings it.
"""

from django.contrib.auth.management import create_permissions


def hand_out(apps, rights):
    """Give new rights to the roles that exist.

    Args:
        apps: as the migration gets them.
        rights: codenames of the app's permissions, by the name of a role.
    """
    config = apps.get_app_config("enrollment")
    # Permissions are made after all migrations; this one needs its own now. The stub that stands
    # for an app in the past has no module, and without one nothing is made.
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0)
    permissions = apps.get_model("auth", "Permission").objects
    for role, codenames in rights.items():
        group = apps.get_model("auth", "Group").objects.filter(name=role).first()
        if group is not None:
            group.permissions.add(
                *permissions.filter(content_type__app_label="enrollment", codename__in=codenames)
            )
