"""What a handle tells of a competition, read from the files at each access."""

from __future__ import annotations

from ..competition.manifest import Manifest
from ..competition.task import Task
from ..console import make_default_progress
from ..errors import BadChoice
from ..paths import CompetitionFolder, Workspace
from ..progress import Progress
from ..submission.ledger.rows import Row
from ..tables import Listing
from ..workflows.fetch.tables import describe_competition
from ..workflows.members.listed_member import ListedMember
from ..workflows.members.listing import list_members
from ..workflows.results import PreparedCompetition
from ..workflows.status.standing import BuiltStack
from ..workflows.status.status import load_stacks
from ..workflows.submit.submissions import submissions


class CompetitionFacts:
    """Facts of a competition, and lists of what was made of it."""

    def __init__(self, folder: CompetitionFolder, progress: Progress | None = None) -> None:
        if not isinstance(folder, CompetitionFolder):
            raise BadChoice(
                f"A handle is made by ensembler.open, fetch or adopt, which take the name. Received: {folder!r}"
            )
        # A relative workspace would move with the working folder of the process.
        self.folder = folder.workspace.make_absolute().competition(folder.name)
        self._progress = progress

    @property
    def name(self) -> str:
        """Name of the competition: the slug of one from Kaggle."""
        return self.folder.name

    @property
    def workspace(self) -> Workspace:
        """Folders of competitions and submissions."""
        return self.folder.workspace

    @property
    def progress(self) -> Progress:
        """Receiver of progress and events: the one that was given, or a new display for each method."""
        return self._progress or make_default_progress()

    @property
    def manifest(self) -> Manifest:
        """Content of ``competition.toml``."""
        return Manifest.load(self.folder.manifest)

    @property
    def task(self) -> Task:
        """Kind of task: ``binary``, ``multiclass`` or ``multilabel``."""
        return self.manifest.task

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes. In a binary task, the probability is that of the last one."""
        return self.manifest.classes

    @property
    def metric(self) -> str:
        """Metric of the competition."""
        return self.manifest.metric

    @property
    def photos(self) -> PreparedCompetition:
        """Numbers of photos, as ``training``, ``test``, ``unreadable`` and ``duplicates``.

        Examples
        --------
        >>> photos = ensembler.open("pets").photos
        >>> photos.training, photos.test
        (64, 16)
        """
        return describe_competition(self.folder)

    @property
    def members(self) -> Listing[ListedMember]:
        """Members of which at least one fold is trained.

        Examples
        --------
        >>> members = ensembler.open("pets").members
        >>> [member.name for member in members][:2]
        ['demo-conv', 'demo-dense']
        >>> members["demo-dense"].is_finished
        True
        """
        return list_members(self, progress=self.progress)

    @property
    def stacks(self) -> Listing[BuiltStack]:
        """Finished stacks, the newest first.

        Examples
        --------
        >>> ensembler.open("pets").stacks["first"].members
        ('demo-conv', 'demo-dense')
        """
        return load_stacks(self.folder, self.progress)

    @property
    def submissions(self) -> Listing[Row]:
        """CSVs and uploads, the newest first, as last known; :meth:`refresh_submissions` asks Kaggle.

        Examples
        --------
        >>> ensembler.open("pets").submissions[-1].stack
        'first'
        """
        return submissions(self, offline=True, progress=self.progress)
