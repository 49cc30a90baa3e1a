"""Providers on one machine."""

from local.simulator.publisher import Faults
from local.simulator.server import ProviderSimulator
from local.simulator.whatsapp import PHONE_NUMBER_ID, WABA_ID

__all__ = ["PHONE_NUMBER_ID", "WABA_ID", "Faults", "ProviderSimulator"]
