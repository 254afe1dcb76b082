import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateRevokedException;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.PKIXRevocationChecker.Option;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Asks for the status of every *.der of each directory, as the certificate itself says where.
 *
 * <p>Prints one line for each certificate and way: path, way, verdict, and what Java said.
 */
public final class StatusJudge {
    private static final Map<String, Set<Option>> WAYS =
            Map.of(
                    "ocsp", EnumSet.of(Option.NO_FALLBACK),
                    "crl", EnumSet.of(Option.PREFER_CRLS, Option.NO_FALLBACK));

    public static void main(String[] directories) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        for (String name : directories) {
            Path directory = Path.of(name);
            X509Certificate ca = read(factory, directory.resolve("ca.der"));
            try (DirectoryStream<Path> leaves = Files.newDirectoryStream(directory, "*.der")) {
                for (Path leaf : leaves) {
                    if (leaf.endsWith("ca.der")) {
                        continue;
                    }
                    CertPath path = factory.generateCertPath(List.of(read(factory, leaf)));
                    for (Map.Entry<String, Set<Option>> way : WAYS.entrySet()) {
                        String verdict = verdict(path, ca, way.getValue());
                        System.out.println(leaf + "\t" + way.getKey() + "\t" + verdict);
                    }
                }
            }
        }
    }

    private static String verdict(CertPath path, X509Certificate ca, Set<Option> options)
            throws Exception {
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        checker.setOptions(options);
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(ca, null)));
        parameters.addCertPathChecker(checker);
        try {
            validator.validate(path, parameters);
            return "good\t";
        } catch (CertPathValidatorException error) {
            if (error.getReason() == BasicReason.REVOKED) {
                CertificateRevokedException cause = (CertificateRevokedException) error.getCause();
                return "revoked\t" + cause.getRevocationReason() + " " + cause.getInvalidityDate();
            }
            if (error.getReason() == BasicReason.UNDETERMINED_REVOCATION_STATUS) {
                return "unknown\t" + error.getMessage();
            }
            return "failed\t" + error;
        }
    }

    private static X509Certificate read(CertificateFactory factory, Path path) throws Exception {
        try (InputStream in = Files.newInputStream(path)) {
            return (X509Certificate) factory.generateCertificate(in);
        }
    }
}
