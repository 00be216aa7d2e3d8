"""What is right, as a model would write it, for every trial."""

import json

from tasks.trials.hostile_trial import HostileTrial
from tasks.trials.hypothesis_trial import HypothesisTrial
from tasks.trials.intent_trial import IntentTrial
from tasks.trials.summary_trial import SummaryTrial
from tasks.trials.tool_trial import ToolTrial
from tasks.trials.trial import Trial

NOT_KNOWN = "That is not known."


def right_answer(trial: Trial) -> str:
    match trial:
        case IntentTrial():
            return trial.case.right.model_dump_json()
        case ToolTrial():
            return json.dumps({"tool": trial.case.tool, "arguments": trial.right_arguments})
        case HypothesisTrial():
            return json.dumps({"option_id": trial.case.right})
        case SummaryTrial():
            return "; ".join(some[0] for some in trial.case.names) or NOT_KNOWN
        case HostileTrial():
            return right_answer(trial.benign)
    raise AssertionError(trial)
