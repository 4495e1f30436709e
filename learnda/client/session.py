"""Sessions: cycle by cycle the forecast of a user's own model in, its analysis out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, Unpack

from numpy.typing import ArrayLike

from learnda.client.analysis import Conversation, Cycle
from learnda.client.settings import ObservationOptions
from learnda.client.transport import BlockingDialog, Dialog


class Session:
    """Made by `Client.session`; to be closed, or used in a ``with`` statement."""

    def __init__(self, dialog: BlockingDialog, conversation: Conversation) -> None:
        self._dialog = dialog
        self._conversation = conversation
        try:
            for message in conversation.opening():
                dialog.send(message)
            conversation.opened(dialog.receive())
        except BaseException:
            dialog.close()
            raise

    @property
    def setting(self) -> dict[str, Any]:
        """Every default filled in, the seed included."""
        return self._conversation.setting

    @property
    def next_cycle(self) -> int:
        """Number of the cycle that comes next."""
        return self._conversation.next_cycle

    @property
    def state(self) -> bytes | None:
        """With it another session goes on behind the last cycle; None before the first."""
        return self._conversation.state

    def cycle(
        self, ensemble: ArrayLike, y: ArrayLike, **observations: Unpack[ObservationOptions]
    ) -> Cycle:
        """Analyse the background ``ensemble`` [N, n] with the observations ``y`` [m]."""
        for message in self._conversation.cycle(ensemble, y, observations):
            self._dialog.send(message)
        while True:
            found = self._conversation.answered(self._dialog.receive())
            if found is not None:
                return found

    def close(self) -> None:
        """End the session."""
        self._dialog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncSession:
    """The same, awaited: made by `AsyncClient.session`, to be used in ``async with``."""

    def __init__(self, begin: Callable[[], Awaitable[Dialog]], conversation: Conversation) -> None:
        self._begin = begin
        self._conversation = conversation

    @property
    def setting(self) -> dict[str, Any]:
        """See `Session.setting`."""
        return self._conversation.setting

    @property
    def next_cycle(self) -> int:
        """See `Session.next_cycle`."""
        return self._conversation.next_cycle

    @property
    def state(self) -> bytes | None:
        """See `Session.state`."""
        return self._conversation.state

    async def cycle(
        self, ensemble: ArrayLike, y: ArrayLike, **observations: Unpack[ObservationOptions]
    ) -> Cycle:
        """See `Session.cycle`."""
        for message in self._conversation.cycle(ensemble, y, observations):
            await self._dialog.send(message)
        while True:
            found = self._conversation.answered(await self._dialog.receive())
            if found is not None:
                return found

    async def close(self) -> None:
        """End the session."""
        await self._dialog.close()

    async def __aenter__(self) -> Self:
        self._dialog = await self._begin()
        try:
            for message in self._conversation.opening():
                await self._dialog.send(message)
            self._conversation.opened(await self._dialog.receive())
        except BaseException:
            await self._dialog.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
