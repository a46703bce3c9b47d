"""A model behind the OpenAI-compatible protocol: vLLM, Ollama, llama.cpp, LM Studio, hosted ones."""

from __future__ import annotations

from core import AnswerSettings
from retriever.rag._model import AnswerModel


def open_model(settings: AnswerSettings) -> AnswerModel:
    """Return the model that the settings name. Nothing is sent yet.

    Raises:
        ConfigError: The address is not one that could be asked.
    """
    raise NotImplementedError
