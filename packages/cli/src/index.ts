/** The `watchword` command as a function. */
export { othersLoad, type OthersLoad } from './calibrate/others-load.ts';
export { FULL_PLAN as FULL_CALIBRATION, QUICK_PLAN as QUICK_CALIBRATION, type CalibrationPlan } from './calibrate/plan.ts';
export { type CalibrationSession, startCalibration } from './calibrate/session.ts';
export { run } from './run.ts';
export { EXIT, type Terminal, processTerminal } from './terminal.ts';
export { type Accepted, type Refused, type UnverifiedFacts, type Verdict, judge } from './verdict.ts';
