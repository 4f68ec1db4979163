"""The measures, a file each. `MEASURES` names the class of every eCQM."""

from __future__ import annotations

from openasm.quality.measures.bmi_screening import BodyMassIndexScreening
from openasm.quality.measures.controlling_high_blood_pressure import ControllingHighBloodPressure
from openasm.quality.measures.depression_screening import DepressionScreening
from openasm.quality.measures.functional_status_heart_failure import FunctionalStatusHeartFailure
from openasm.quality.measures.heart_failure_beta_blocker import BetaBlockerForReducedFunction
from openasm.quality.measures.heart_failure_ras_inhibitor import AceInhibitorArbOrArni
from openasm.quality.measures.high_risk_medications import HighRiskMedications
from openasm.quality.populations import Measure

MEASURES: dict[str, type[Measure]] = {
    each.name: each
    for each in (
        AceInhibitorArbOrArni,
        BetaBlockerForReducedFunction,
        BodyMassIndexScreening,
        ControllingHighBloodPressure,
        DepressionScreening,
        FunctionalStatusHeartFailure,
        HighRiskMedications,
    )
}
