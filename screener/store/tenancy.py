"""The wall between clinics: a session sees the one clinic it entered, and nothing before it entered one."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Final, NoReturn
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import (
    ColumnClause,
    Connection,
    ForeignKey,
    ForeignKeyConstraint,
    TableClause,
    TextClause,
    UniqueConstraint,
    event,
    func,
    select,
)
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    UOWTransaction,
    declared_attr,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.schema import SchemaItem
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.dml import Insert, Update, UpdateBase
from sqlalchemy.sql.selectable import AliasedReturnsRows, Join, SelectBase
from sqlalchemy.sql.visitors import ExternallyTraversible

from screener.store.errors import NoClinicError, OtherClinicError, StoreError

# The four look-ups that run before a clinic is known, and the tables each may read.
NAMED_LOOKUPS: Final[Mapping[str, frozenset[str]]] = {
    "draft by token": frozenset({"drafts", "draft_doors"}),
    "receipt by token": frozenset({"consultations"}),
    "person at sign-in": frozenset(),
    "outbox lease": frozenset({"outbox_messages", "webhook_deliveries", "webhook_endpoints"}),
}
# What the database is told in each transaction, for its own wall.
CLINIC_SETTING: Final = "screener.clinic"
LOOKUP_SETTING: Final = "screener.lookup"
_SCOPED_TABLES: Final[set[str]] = set()
_APPEND_ONLY_TABLES: Final[set[str]] = set()
# What was found in a statement that is still there. It never changes: whatever is added to one makes another.
_INSPECTED: Final[WeakKeyDictionary[Executable, tuple[frozenset[str], frozenset[str]]]] = WeakKeyDictionary()


class ClinicScoped:
    """A row of one clinic. Children point at (clinic_id, id), so no row can hang on another clinic's."""

    __tablename__: str
    constraints: ClassVar[tuple[SchemaItem, ...]] = ()
    append_only: ClassVar[bool] = False

    id: Mapped[UUID] = mapped_column(primary_key=True)
    clinic_id: Mapped[UUID] = mapped_column(ForeignKey("clinics.id"))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        _SCOPED_TABLES.add(cls.__tablename__)
        if cls.append_only:
            _APPEND_ONLY_TABLES.add(cls.__tablename__)
        super().__init_subclass__(**kwargs)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[SchemaItem, ...]:  # noqa: N805 - SQLAlchemy passes the class
        # The unique constraint's index is the index on clinic_id too.
        return (UniqueConstraint("clinic_id", "id"), *cls.constraints)


def within_clinic(column: str, parent: str, **options: Any) -> ForeignKeyConstraint:
    """A reference to a row of the same clinic."""
    return ForeignKeyConstraint(["clinic_id", column], [f"{parent}.clinic_id", f"{parent}.id"], **options)


class ClinicSession(Session):
    """A session behind the wall; the old bulk calls, which pass no event, are closed."""

    def _refuse_bulk(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise NoClinicError(
            "bulk calls go around the clinic filter; use session.execute(insert(Model), rows)"
        )

    bulk_save_objects = _refuse_bulk
    bulk_insert_mappings = _refuse_bulk
    bulk_update_mappings = _refuse_bulk


def enter_clinic(session: Session, clinic_id: UUID) -> None:
    """From here to its end the session sees this clinic alone."""
    entered = session.info.setdefault("clinic_id", clinic_id)
    if entered != clinic_id:
        raise OtherClinicError("this session is in another clinic already")


def find_entered_clinic(session: Session) -> UUID | None:
    """The clinic this session entered, or None."""
    entered: UUID | None = session.info.get("clinic_id")
    return entered


def entered_clinic(session: Session) -> UUID:
    """The same. Raises NoClinicError if none was entered."""
    entered = find_entered_clinic(session)
    if entered is None:
        raise NoClinicError("no clinic was entered: call enter_clinic(session, clinic_id) first")
    return entered


def looking_up(session: Session, lookup: str) -> dict[str, str]:
    """Options of a named look-up; inside a clinic the ordinary filter does, and loads nothing foreign."""
    return {} if find_entered_clinic(session) else {"named_lookup": lookup}


@contextmanager
def furnishing_clinic(session: Session, clinic_id: UUID) -> Iterator[None]:
    """Enter a clinic for a few rows of its own, as when it was just made, and step out again."""
    before = session.info.pop("clinic_id", None)
    enter_clinic(session, clinic_id)
    try:
        yield
        session.flush()
    finally:
        session.info.pop("clinic_id")
        if before is not None:
            enter_clinic(session, before)


def tell_clinic(connection: Connection, clinic_id: UUID | None, lookup: str = "") -> None:
    """What PostgreSQL's own wall (row_security.py) goes by, until the transaction ends; SQLite has none."""
    if connection.dialect.name == "postgresql":
        told = {CLINIC_SETTING: str(clinic_id or ""), LOOKUP_SETTING: lookup}
        connection.execute(select(*(func.set_config(name, value, True) for name, value in told.items())))


def clinic_connection(session: Session) -> Connection:
    """For what must go around the session's filter, and names the entered clinic itself."""
    entered_clinic(session)
    return _tell_database(session)


def _tell_database(session: Session, lookup: str = "") -> Connection:
    told = (find_entered_clinic(session), lookup)
    connection = session.connection()
    if session.info.get("told") != told:
        tell_clinic(connection, *told)
        session.info["told"] = told
    return connection


@event.listens_for(ClinicSession, "after_begin")
@event.listens_for(ClinicSession, "after_soft_rollback")
def _tell_again(session: Session, *_about: object) -> None:
    # A setting ends with its transaction, and is undone with the savepoint it was made in.
    session.info.pop("told", None)


@event.listens_for(ClinicSession, "do_orm_execute")
def _keep_to_clinic(state: ORMExecuteState) -> None:
    tables, unfiltered = _inspect_once(state.statement)
    lookup = state.execution_options.get("named_lookup")
    if lookup is not None:
        _check_lookup(lookup, tables)
        if tables:
            _tell_database(state.session, lookup)
    elif tables:
        clinic_id = entered_clinic(state.session)
        _tell_database(state.session)
        _refuse_unfiltered(state, unfiltered)
        if isinstance(state.statement, Insert):
            _check_rows(state, state.statement, clinic_id)
        else:
            _add_criteria(state, clinic_id)


def _add_criteria(state: ORMExecuteState, clinic_id: UUID) -> None:
    criteria = with_loader_criteria(
        ClinicScoped,
        lambda cls: cls.clinic_id == clinic_id,
        include_aliases=True,
    )
    state.statement = state.statement.options(criteria)


def _check_lookup(lookup: str, tables: frozenset[str]) -> None:
    if lookup not in NAMED_LOOKUPS:
        raise NoClinicError(f"there is no named look-up {lookup!r}")
    if not tables <= NAMED_LOOKUPS[lookup]:
        raise NoClinicError(f"the look-up {lookup!r} may not touch {_names(tables - NAMED_LOOKUPS[lookup])}")


def _refuse_unfiltered(state: ORMExecuteState, unfiltered: frozenset[str]) -> None:
    if not state.is_orm_statement or unfiltered:
        raise NoClinicError(
            f"the filter cannot reach {_names(unfiltered)} in this statement: name the mapped class, "
            "join with select(...).join(...), and let an UPDATE or DELETE name one class alone"
        )
    if isinstance(state.statement, Update):
        _check_update(state, state.statement)


def _check_update(state: ORMExecuteState, statement: Update) -> None:
    if isinstance(state.parameters, list):
        raise NoClinicError("an UPDATE by a list of keys goes around the filter; update objects instead")
    if {name for _, name in _leaves(statement.table)} & _APPEND_ONLY_TABLES:
        raise StoreError("these rows are written once and never changed")


def _check_rows(state: ORMExecuteState, statement: Insert, clinic_id: UUID) -> None:
    rows = state.parameters
    if rows is None or statement.select is not None or statement._values or statement._multi_values:  # noqa: SLF001 - nothing public tells
        raise NoClinicError("pass the rows of an INSERT as parameters, so that their clinic can be checked")
    for row in [rows] if isinstance(rows, Mapping) else rows:
        if row.get("clinic_id") != clinic_id:
            raise OtherClinicError("each inserted row names the clinic that was entered as its clinic_id")


def _inspect_once(statement: Executable) -> tuple[frozenset[str], frozenset[str]]:
    found = _INSPECTED.get(statement)
    if found is None:
        found = _INSPECTED[statement] = _inspect(statement)
    return found


def _inspect(statement: Executable) -> tuple[frozenset[str], frozenset[str]]:
    """Which scoped tables the statement touches, and which of them the filter would not reach."""
    tables: set[str] = set()
    unfiltered: set[str] = set()
    # Each SELECT is judged by itself: the filter is added to each, for the entities named in it.
    waiting: list[ExternallyTraversible] = [statement]  # type: ignore[list-item]  # every statement is one
    while waiting:
        part = _Part(waiting.pop())
        tables |= set(part.touched.values())
        unfiltered |= part.unfiltered
        waiting += part.nested
    return frozenset(tables), frozenset(unfiltered)


class _Part:
    """One SELECT or write of a statement: what stands in it, without what stands in those nested in it."""

    def __init__(self, root: ExternallyTraversible) -> None:
        self.root = root
        # Keyed by the table or alias itself: an entity beside a plain alias of its table hides nothing.
        self.touched: dict[object, str] = {}
        self.nested: list[ExternallyTraversible] = []
        self._entities: set[object] = set()
        self._beyond: set[object] = set()
        waiting = [root]
        while waiting:
            waiting += self._look_at(waiting.pop())

    @property
    def unfiltered(self) -> set[str]:
        reached = self._entities - self._beyond
        if isinstance(self.root, UpdateBase):
            reached &= {self.root.table}
        return {name for leaf, name in self.touched.items() if leaf not in reached}

    def _look_at(self, element: ExternallyTraversible) -> Iterable[ExternallyTraversible]:
        if element is not self.root and isinstance(element, SelectBase | UpdateBase):
            self.nested.append(element)
            return ()
        self._note_entity(element)
        leaves = dict(_leaves(element))
        self.touched |= leaves
        if isinstance(element, Join):
            self._beyond |= set(leaves)
        return () if isinstance(element, AliasedReturnsRows) and leaves else element.get_children()

    def _note_entity(self, element: ExternallyTraversible) -> None:
        annotations: Mapping[str, Any] = getattr(element, "_annotations", {})
        entity = annotations.get("parententity")
        if entity is None or isinstance(element, Join):
            return
        name = entity.mapper.local_table.name
        if name in _SCOPED_TABLES:
            self.touched[entity.selectable] = name
            self._entities.add(entity.selectable)


def _leaves(element: object) -> Iterator[tuple[object, str]]:
    """The scoped tables, or aliases of them, that an element stands for by itself."""
    match element:
        case TextClause():
            raise NoClinicError("a session takes no SQL text: nobody can see which clinic it touches")
        case TableClause() if element.name in _SCOPED_TABLES:
            yield element, element.name
        case AliasedReturnsRows(element=TableClause() as table) if table.name in _SCOPED_TABLES:
            yield element, table.name
        case ColumnClause():
            yield from _leaves(element.table)
        case Join():
            yield from _leaves(element.left)
            yield from _leaves(element.right)


@event.listens_for(ClinicSession, "before_flush")
def _keep_rows_to_clinic(session: Session, _context: UOWTransaction, _instances: object) -> None:
    for row in _scoped(session.new):
        if row.clinic_id is None:
            row.clinic_id = entered_clinic(session)
    changed = _scoped(session.dirty)
    rows = [*_scoped(session.new), *changed, *_scoped(session.deleted)]
    for row in rows:
        if row.clinic_id != entered_clinic(session):
            raise OtherClinicError(f"a row of {row.__tablename__} belongs to another clinic")
    if rows:
        _tell_database(session)
    for row in changed:
        if row.append_only and session.is_modified(row):
            raise StoreError(f"rows of {row.__tablename__} are written once and never changed")


def _scoped(rows: Iterable[object]) -> list[ClinicScoped]:
    return [row for row in rows if isinstance(row, ClinicScoped)]


def _names(tables: frozenset[str]) -> str:
    return ", ".join(sorted(tables)) or "its tables"
