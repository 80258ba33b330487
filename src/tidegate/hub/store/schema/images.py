"""Images: what was scanned of them, what stands in them, where they run."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from tidegate.hub.store.schema.conventions import PLACE, metadata

images = Table(
    "images",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("registry", String(261), nullable=False),
    Column("repository", String(255), nullable=False),
    Column("digest", String(160), nullable=False),
    Column("pushed_at", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("error", Text, nullable=False),
    Column("reports", Text, nullable=False),
    # The worst platform's counts, as JSON and as one number that sorts by them.
    Column("counts", Text, nullable=False, server_default="{}"),
    Column("risk", BigInteger, nullable=False, server_default="0"),
    # Signed scan time of its oldest report in the registry; empty: none is known of.
    Column("reported_at", String(32), nullable=False, server_default=""),
    # Whether the packages kept of it are enough to match them again.
    Column("rematchable", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("registry", "repository", "digest"),
    Index(None, "pushed_at", "id"),
    Index(None, "digest"),
    Index(None, "reported_at"),
    sqlite_autoincrement=True,
)

image_tags = Table(
    "image_tags",
    metadata,
    Column("registry", String(261), primary_key=True),
    Column("repository", String(255), primary_key=True),
    Column("tag", String(128), primary_key=True),
    Column("image_id", Integer, ForeignKey("images.id", ondelete="CASCADE"), nullable=False),
    Index(None, "image_id"),
)

# What a worker found out about one manifest of an image: the image itself, or a platform of an
# index. The large columns are compressed JSON.
image_details = Table(
    "image_details",
    metadata,
    Column("image_id", Integer, ForeignKey("images.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", String(160), primary_key=True),
    Column("platform", String(128), nullable=False),
    Column("media_type", String(255), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("config", Text, nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    Column("referrers", LargeBinary, nullable=False),
    Column("statement", LargeBinary, nullable=False),
    Column("findings", LargeBinary, nullable=False),
    # A package list as its worker signed it; without a signature the list of an older worker.
    Column("packages", LargeBinary, nullable=False),
    Column("packages_signature", Text, nullable=False, server_default=""),
    # The distinct packages in it, as a bitmap of `packages.id`.
    Column("package_ids", LargeBinary),
    Column("updated_at", String(32), nullable=False),
    Index(None, "digest"),
)

scans = Table(
    "scans",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("image_id", Integer, ForeignKey("images.id", ondelete="CASCADE"), nullable=False),
    Column("recorded_at", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "image_id", "id"),
    Index(None, "recorded_at"),
    sqlite_autoincrement=True,
)

running_images = Table(
    "running_images",
    metadata,
    Column(
        "cluster", String(128), ForeignKey("clusters.name", ondelete="CASCADE"), primary_key=True
    ),
    Column("image", String(512), primary_key=True),
    Column("digest", String(160), primary_key=True),
    Column("pods", Integer, nullable=False),
    Column("namespaces", Text, nullable=False),
    Index(None, "digest"),
)

# The last verdict about each image of each workload that runs, so that a change is told once, also
# by an agent that started anew. The key: a hash of namespace, workload, image and digest.
running_verdicts = Table(
    "running_verdicts",
    metadata,
    Column(
        "cluster", String(128), ForeignKey("clusters.name", ondelete="CASCADE"), primary_key=True
    ),
    Column("key", String(64), primary_key=True),
    Column("action", String(8), nullable=False),
    Column("seen_on", String(32), nullable=False),
    Index(None, "seen_on"),
)

# Every package at one version, once for all images that carry it.
packages = Table(
    "packages",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    # Hash of the four below.
    Column("key", LargeBinary, nullable=False, unique=True),
    Column("name", String(512), nullable=False),
    Column("version", String(512), nullable=False),
    Column("ecosystem", String(512), nullable=False),
    Column("module", String(512), nullable=False),
    # What advisories say of it, as a worker put it; null: nobody with current ones has said.
    Column("said", String(32)),
    Index(None, "name", "id"),
    sqlite_autoincrement=True,
)

# The images that carry a package, as a bitmap of `images.id`, and what changed since.
package_images = Table(
    "package_images",
    metadata,
    Column("package_id", Integer, primary_key=True, autoincrement=False),
    Column("images", LargeBinary, nullable=False),
)

package_changes = Table(
    "package_changes",
    metadata,
    Column("seq", PLACE, primary_key=True, autoincrement=True),
    Column("package_id", Integer, nullable=False),
    Column("image_id", Integer, nullable=False),
    Column("present", Boolean, nullable=False),
    Index(None, "package_id", "seq"),
    sqlite_autoincrement=True,
)
